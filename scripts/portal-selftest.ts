/** Run on the guests' network: asks what every operating system asks, and says whether the sign-in will appear. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { SystemReport } from '../portal/selftest.ts';
import { planProbes, runSelftest } from '../portal/selftest.ts';
import type { GuideLanguage, GuideWords } from '../portal/setup/words.ts';
import { guideWords, spoken } from '../portal/setup/words.ts';
import { createProbeFetcher } from './lib/probe-fetcher.ts';
import { whole } from './lib/whole.ts';

function webAddress(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('must be an address such as https://wifi.example');
  return text;
}

function gateway(text: string): { host: string; port: number } {
  const url = URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : null;
  if (url === null || url.pathname !== '/' || url.username !== '')
    throw new InvalidArgumentError('must be an address such as 10.0.0.1 or 10.0.0.1:2050');
  return { host: url.hostname.replaceAll(/[[\]]/g, ''), port: Number(url.port || 80) };
}

interface Options {
  portal: string;
  store?: string;
  via?: { host: string; port: number };
  timeout: number;
  lang: GuideLanguage;
  json: boolean;
  inside: boolean;
}

const program = new Command('portal-selftest')
  .description(
    'Run on the guest network before signing in: asks what phones and computers ask, and says whether their sign-in will appear.',
  )
  .requiredOption('--portal <url>', 'public address of the portal', webAddress)
  .option('--store <slug>', 'also ask whether this store’s first page is reachable')
  .option('--via <address>', 'ask this gateway instead of what DNS says', gateway)
  .option('--timeout <ms>', 'how long to wait for an answer', whole(100), 5_000)
  .option('--inside', 'you are signed in: everything should be online', false)
  .option('--json', 'print the whole report as JSON', false)
  .addOption(new Option('--lang <language>', 'language').choices(['en', 'zh-CN']).default('en'))
  .addHelpText('after', '\nExit code: 0 as it should be, 1 not so, 2 wrong usage.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

function print(reports: SystemReport[], words: GuideWords): void {
  for (const { system, outlook, judgements } of reports) {
    console.log(`${system.padEnd(11)}${words[`outlook.${outlook}`] ?? outlook}`);
    const reasons = judgements.map(({ ask, reason }) => {
      const question = `${ask.scheme}://${ask.host}${ask.path}`;
      return `    ${question}\n      ${spoken(words, reason)}`;
    });
    console.log(reasons.join('\n'));
  }
}

/** Guests must reach the page before they are let in. */
async function reached(portal: string, store: string, timeoutMs: number): Promise<boolean> {
  const page = new URL(`/p/${encodeURIComponent(store)}`, portal);
  const signal = AbortSignal.timeout(timeoutMs);
  const answer = await fetch(page, { redirect: 'manual', signal }).catch(() => null);
  await answer?.body?.cancel();
  return answer !== null && answer.status < 500 && answer.status !== 404;
}

const options = program.parse().opts<Options>();
const fetcher = createProbeFetcher({
  timeoutMs: options.timeout,
  ...(options.via === undefined ? {} : { via: options.via }),
});
// A gateway that is named answers for port 80 only.
const asks = planProbes().filter(({ scheme }) => scheme === 'http' || options.via === undefined);
const reports = await runSelftest(fetcher, options.portal, asks);
const { store, portal, timeout, lang } = options;
const page = store === undefined ? null : await reached(portal, store, timeout);
const words = guideWords(lang);
if (options.json) console.log(JSON.stringify({ systems: reports, page }, null, 2));
else {
  print(reports, words);
  if (page !== null) console.log(words[`selftest.portal-${page ? 'reached' : 'unreached'}`]);
}
const wanted = options.inside ? 'online' : 'appears';
const fine = page !== false && reports.every(({ outlook }) => outlook === wanted);
process.exitCode = fine ? 0 : 1;
