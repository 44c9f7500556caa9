/** A six-digit code sent to an address and typed back: what phone and mail have in common. */
import type { Journey, Trouble } from '../context.ts';
import type { SendOutcome, VerifyOutcome } from '../ports.ts';
import type { Method, MethodForm, MethodTools } from './method.ts';
import { plainDigits, troubled, untroubled } from './method.ts';

type Channel = 'sms' | 'email';
type CodeMethod = 'sms-code' | 'email-code';

const SEND_TROUBLE = {
  'too-many-sends': 'send-limit',
  'destination-refused': 'send-refused',
  unavailable: 'send-unavailable',
} as const satisfies Record<string, Trouble['kind']>;

const VERIFY_TROUBLE = {
  wrong: 'code-wrong',
  expired: 'code-expired',
  locked: 'code-locked',
  used: 'code-used',
} as const satisfies Record<string, Trouble['kind']>;

function sendTrouble(outcome: Extract<SendOutcome, { ok: false }>): Trouble {
  const { reason, retryAt } = outcome;
  return { kind: SEND_TROUBLE[reason], ...(retryAt === undefined ? {} : { retryAt }) };
}

function verifyTrouble(outcome: Extract<VerifyOutcome, { ok: false }>): Trouble {
  const kind = VERIFY_TROUBLE[outcome.reason];
  return outcome.reason === 'wrong' ? { kind, left: outcome.triesLeft } : { kind };
}

async function send(
  journey: Journey,
  typed: string,
  channel: Channel,
  tools: MethodTools,
): Promise<Journey> {
  const { store, codes, clock, networkIp, once } = tools;
  const again = journey.address !== undefined;
  const written = channel === 'sms' ? plainDigits(typed) : typed;
  const address = journey.address ?? codes.normalise(store, channel, written);
  if (address === null) return troubled(journey, { kind: 'address-invalid' }, typed);
  if (again && clock() < (journey.resendAt ?? 0))
    return troubled(journey, { kind: 'send-limit', retryAt: journey.resendAt ?? 0 });
  const { binding, language, resendAt = 0 } = journey;
  const mac = journey.context?.mac ?? '';
  const outcome = await once(
    JSON.stringify(['send', binding, address, resendAt]),
    () => codes.send({ store, channel, address, binding, mac, ip: networkIp, language }),
    (sent) => sent.ok,
  );
  if (!outcome.ok) return troubled(journey, sendTrouble(outcome), again ? undefined : typed);
  return { ...untroubled(journey), address, resendAt: outcome.resendAt };
}

/** People type `123 456`, and not every keyboard's digits are 0 to 9. */
function digits(typed: string): string {
  return plainDigits(typed).replaceAll(/[\s-]/g, '');
}

async function verify(
  journey: Journey,
  typed: string,
  method: CodeMethod,
  channel: Channel,
  { store, codes, once }: MethodTools,
): Promise<Journey> {
  const { address, binding, resendAt = 0 } = journey;
  const code = digits(typed);
  if (address === undefined) return journey;
  if (!/^\d{6}$/.test(code)) return troubled(journey, { kind: 'code-malformed' }, typed);
  const outcome = await once(JSON.stringify(['verify', binding, address, resendAt, code]), () =>
    codes.verify({ store, channel, address, binding, code }),
  );
  if (!outcome.ok) return troubled(journey, verifyTrouble(outcome));
  return { ...untroubled(journey), proof: { method, address } };
}

export function oneTimeCode(name: CodeMethod, channel: Channel): Method {
  return {
    name,
    submit(journey: Journey, form: MethodForm, tools: MethodTools) {
      const typed = form.value.trim();
      return form.action === 'start'
        ? send(journey, typed, channel, tools)
        : verify(journey, typed, name, channel, tools);
    },
  };
}
