/** The process: configuration, start, signals. */
import { startServer } from './app.ts';
import { ConfigError, readConfig } from './config.ts';
import { createLog } from './log.ts';

/** A stop that takes longer than this is cut short: an orchestrator would do it less politely. */
const stopMs = 15_000;

async function main(): Promise<void> {
  const config = readConfig();
  const log = createLog(config.LOG_LEVEL);
  const running = await startServer(config, { log });
  process.stdout.write(`Foyer listens on ${running.url}\n`);
  if (running.ownerLink) {
    process.stdout.write(
      `No account yet. Create the owner's account within 24 hours, once, at\n  ${running.ownerLink}\n`,
    );
  }

  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error({}, 'the stop took too long');
      process.exit(1);
    }, stopMs).unref();
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : 'unknown failure';
  process.stderr.write(`foyer: ${message}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
