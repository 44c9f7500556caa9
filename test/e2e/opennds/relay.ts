/** Carries connections from a socket file to a TCP port: network namespaces share files, not addresses. */
import { createConnection, createServer } from 'node:net';

const [file = '', host = '', port = ''] = process.argv.slice(2);

createServer((near) => {
  const far = createConnection(Number(port), host);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
  near.pipe(far).pipe(near);
}).listen(file, () => process.stdout.write('ready\n'));
