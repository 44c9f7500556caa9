/** What runs when: housekeeping of the features, under the job runner's lock. */
import { forgetTries } from '../access-vouchers/vouchers.ts';
import { forgetCodes } from '../codes/codes.ts';
import { forgetApprovals } from '../approvals/approvals.ts';
import type { Config } from '../config.ts';
import { forgetRequests } from '../consents/confirm.ts';
import { tidy } from '../db/tidy.ts';
import { dropDelivered } from '../events/outbox.ts';
import { forgetVersions } from '../fences/versions-queries.ts';
import { forgetStandIns } from '../guests/identity-queries.ts';
import type { Job } from '../jobs/runner.ts';
import { forgetLinks } from '../links/links.ts';
import { forgetMemberTries } from '../members/members.ts';
import { forgetMessages } from '../messages/deliver.ts';
import { dropAnswers } from '../offers/vouchers/queries.ts';
import {
  forgetCheckpoints,
  forgetPings,
  forgetStates,
  preparePartitions,
  settleVisits,
} from '../pings/keep.ts';
import { judgeSilence } from '../pings/silence.ts';
import {
  forgetLogged,
  forgetSessionLog,
  keepNoLonger,
  keepSessionLog,
} from '../retention/retention.ts';
import { dropRefusals } from '../rules/decisions/queries.ts';
import { endQuietSessions, expireSessions } from '../sessions/accounting.ts';
import { dropExpiredDevices } from '../sessions/known-devices.ts';
import { forgetNotices } from '../sessions/notices.ts';
import { forgetLooks } from '../selfservice/selfservice.ts';
import { deleteStaleSignIns } from '../staff/queries.ts';
import { idleMs } from '../staff/sign-in.ts';
import { keepAgain } from '../stores/queries.ts';
import type { Services } from './services.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export function houseJobs(services: Services, config: Config): Job[] {
  const { db } = services;
  return [
    { name: 'ping partitions', every: 6 * hour, run: (now) => preparePartitions(db, now) },
    { name: 'silence', every: 15 * second, run: () => judgeSilence(services) },
    {
      name: 'expired sessions',
      every: 30 * second,
      run: (now) => expireSessions(db, now),
    },
    { name: 'quiet sessions', every: 30 * second, run: (now) => endQuietSessions(db, now) },
    {
      name: 'sessions to end',
      every: 30 * second,
      run: (now) => services.reconciler.begin(now),
    },
    { name: 'controller lists', every: minute, run: async (now) => services.pollControllers(now) },
    {
      name: 'final visits',
      every: 5 * minute,
      run: (now) => settleVisits(db, services.policy, now),
    },
    { name: 'old checkpoints', every: hour, run: (now) => forgetCheckpoints(db, now) },
    { name: 'old pings', every: day, run: (now) => forgetPings(db, config.PING_KEEP_DAYS, now) },
    { name: 'old states', every: day, run: (now) => forgetStates(db, config.PING_KEEP_DAYS, now) },
    {
      name: 'old fences',
      every: day,
      run: (now) => forgetVersions(db, now - (config.PING_KEEP_DAYS + 1) * day),
    },
    {
      name: 'old events',
      every: hour,
      run: (now) => dropDelivered(db, now - config.EVENT_KEEP_DAYS * day),
    },
    { name: 'old answers to tills', every: hour, run: (now) => dropAnswers(db, now - day) },
    { name: 'old codes', every: hour, run: (now) => forgetCodes(db, now) },
    { name: 'open links of mails', every: hour, run: (now) => forgetRequests(db, now) },
    { name: 'looks at my data', every: hour, run: (now) => forgetLooks(db, now) },
    { name: 'log of sessions', every: 10 * minute, run: (now) => keepSessionLog(db, now) },
    { name: 'old log of sessions', every: day, run: (now) => forgetSessionLog(db, now) },
    { name: 'kept no longer', every: day, run: (now) => keepNoLonger(db, now) },
    { name: 'old messages', every: hour, run: (now) => forgetMessages(db, now) },
    { name: 'old clients', every: hour, run: (now) => forgetLogged(db, now) },
    { name: 'old known devices', every: hour, run: (now) => dropExpiredDevices(db, now) },
    { name: 'old notices', every: day, run: (now) => forgetNotices(db, now) },
    { name: 'secrets in clear', every: day, run: () => sealOldSecrets(db) },
    { name: 'old card tries', every: hour, run: (now) => forgetMemberTries(db, now) },
    { name: 'old requests to staff', every: day, run: (now) => forgetApprovals(db, now) },
    { name: 'old links', every: hour, run: (now) => forgetLinks(db, now) },
    {
      name: 'guests of grace only',
      every: hour,
      run: (now) => forgetStandIns(db, now - 2 * day, now),
    },
    { name: 'old voucher tries', every: hour, run: (now) => forgetTries(db, now) },
    { name: 'old refusals', every: day, run: (now) => dropRefusals(db, now - 90 * day) },
    {
      name: 'stale sign-ins',
      every: hour,
      run: (now) => deleteStaleSignIns(db, new Date(now), new Date(now - idleMs)),
    },
    { name: 'tidy the embedded database', every: 15 * minute, run: () => tidy(db) },
  ];
}

/** Seals what a release before sealing kept; after the first round there is nothing left to do. */
async function sealOldSecrets(db: Services['db']): Promise<void> {
  await keepAgain(db, 'stores');
  await keepAgain(db, 'gateways');
}
