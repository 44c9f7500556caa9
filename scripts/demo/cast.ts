/** The people whose minute is known in advance: what must happen to them is what the demo proves. */
import { shops } from './mall.ts';
import type { Stay } from './crowd.ts';
import type { GuestChoices } from './guest.ts';
import type { Person, World } from './people.ts';
import { logInGuest, makePerson } from './people.ts';
import type { App } from './phones.ts';

export interface CastMember {
  person: Person;
  /** The shop where a visit must be found; null for who only walks by. */
  shop: string | null;
  /** Whether the shop's rule must decide for (issued or held out) or against (consent). */
  decides: 'for' | 'against' | null;
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
}

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
  ];
  const members: CastMember[] = [];
  for (const part of parts) {
    const guest = part.choices ? await logInGuest(world, part.choices) : null;
    const person = await makePerson(world, part.name, part.app, part.plan, part.into, guest);
    members.push({ person, shop: part.shop, decides: part.decides });
  }
  return members;
}
