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
  const invitation = running.ownerLink
    ? `No account yet. Create the owner's account within 24 hours, once, at\n  ${running.ownerLink}\n`
    : '';
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
  // Before the address is told: whoever reads it may send a signal at once.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  process.stdout.write(`Foyer listens on ${running.url}\n${invitation}`);
}

/** One line that says what to do about it; settings that do not fit come as a list. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  if (error instanceof ConfigError) return error.message;
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall === 'listen' && code === 'EADDRINUSE')
    return `port ${port} of ${address} is taken by another program`;
  if (syscall === 'listen' && code === 'EACCES')
    return `port ${port} of ${address} may not be opened by this user`;
  // Several addresses tried and none answered: the message itself is empty.
  const reasons = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const text = reasons.map((each) => (each instanceof Error ? each.message : '')).join('; ');
  return text.replaceAll(/\s*\n\s*/g, ' ') || (code ?? error.name);
}

main().catch((error: unknown) => {
  process.stderr.write(`foyer: ${explain(error)}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
