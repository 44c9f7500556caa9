/** The people whose minute is known in advance: what must happen to them is what the demo proves. */
import { parcelDesk, shops } from './mall.ts';
import type { Stay } from './crowd.ts';
import type { GuestChoices } from './guest.ts';
import type { Person, World } from './people.ts';
import { logInGuest, makePerson, newClient, report, reportWithGap } from './people.ts';
import type { App } from './phones.ts';

export interface CastMember {
  person: Person;
  /** The shop where a visit must be found; null for who only walks by. */
  shop: string | null;
  /** Whether the shop's rule must decide for (issued or held out) or against (consent). */
  decides: 'for' | 'against' | null;
  /** What else must be found: a sign-in counted as evidence, or a visit that late pings brought. */
  proves: 'evidence' | 'late' | null;
}

const shop = (name: string) => shops.find((candidate) => candidate.name === name)!;

interface Part {
  name: string;
  app: App;
  plan: Stay[];
  /** Seconds since the walk began when the curtain rises. */
  into: number;
  choices?: GuestChoices;
  shop: string | null;
  decides: CastMember['decides'];
  proves?: CastMember['proves'];
}

/** Seconds after the curtain at which a phone that was out of reach sends what it kept. */
const LATE_AFTER = 8;

/** Long enough in the shop that three minutes are reached some seconds after the curtain. */
function shopper(name: string, app: App, into: number, choices?: GuestChoices): Part {
  return {
    name,
    app,
    plan: [{ shop: shop('Shoe Harbour'), seconds: 600 }],
    into,
    ...(choices ? { choices } : {}),
    shop: 'Shoe Harbour',
    decides: choices ? (choices.marketing ? 'for' : 'against') : null,
  };
}

/** What a plain walk does not show: a beacon, a sign-in in the middle of a stay, a dead zone. */
const others: Part[] = [
  {
    name: 'Ina',
    app: 'owntracks',
    plan: [{ shop: shop('Tea and Tide'), seconds: 900 }],
    into: 400,
    choices: { method: 'click-through', marketing: false, analytics: true },
    shop: 'Tea and Tide',
    decides: null,
    proves: 'evidence',
  },
  {
    name: 'Ivo',
    app: 'own',
    plan: [{ shop: parcelDesk, seconds: 600 }],
    into: 240,
    shop: parcelDesk.name,
    decides: null,
  },
  {
    name: 'Jun',
    app: 'overland',
    plan: [{ shop: shop('Toy Boat'), seconds: 420 }],
    into: 1800,
    shop: 'Toy Boat',
    decides: null,
    proves: 'late',
  },
];

export async function assemble(
  world: World,
  accessCodes: readonly string[],
): Promise<CastMember[]> {
  const mail = (address: string, marketing: boolean): GuestChoices => ({
    method: 'email-code',
    value: address,
    readCode: () => world.readMail!(address),
    marketing,
    answer: 'shopping',
  });
  const parts: Part[] = [
    shopper('Ana', 'owntracks', 262, mail('ana@guests.example', true)),
    shopper('Ben', 'overland', 268, { method: 'voucher', value: accessCodes[0]!, marketing: true }),
    shopper('Chen', 'overland', 274, mail('chen@guests.example', true)),
    shopper('Dilek', 'owntracks', 280, { method: 'click-through', marketing: true }),
    shopper('Emil', 'overland', 286, { method: 'click-through', marketing: true, answer: 'food' }),
    shopper('Femi', 'overland', 286, { method: 'click-through', marketing: false }),
    shopper('Gao', 'owntracks', 290),
    {
      name: 'Hana, walking by',
      app: 'overland',
      plan: [],
      into: 120,
      shop: null,
      decides: null,
    },
    ...others,
  ];
  const members: CastMember[] = [];
  for (const part of parts) {
    const client = newClient();
    const guest = part.choices ? await logInGuest(world, part.choices, client) : null;
    const person = await makePerson(world, part.name, part.app, part.plan, part.into, guest);
    const { shop: expected, decides, proves = null } = part;
    members.push({ person, shop: expected, decides, proves });
    if (proves === 'late') await reportWithGap(world, person, world.now() + LATE_AFTER * 1000);
    if (proves === 'evidence') {
      await report(world, person, world.now(), 5_000);
      // The same phone again, which the house remembers, now with an access code.
      const again = { ...part.choices!, method: 'voucher', value: accessCodes[1]! } as const;
      await logInGuest(world, again, client);
    }
  }
  return members;
}
