/** Which addresses the house sends to on a merchant's word: where equipment stands, never where the machine's own secrets do. */
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Whether nothing is ever sent to this address; a name is no address. */
export type Refuses = (address: string) => boolean;

/** What a notice says where an address was refused. */
export const ADDRESS_REFUSED = 'address refused';

/**
 * An IPv4 block, also behind the prefix by which a network of IPv6 alone reaches IPv4 (RFC 6052). Mapped
 * addresses `BlockList` compares as IPv4 by itself.
 */
function addIpv4(list: BlockList, address: string, prefix = 32): void {
  list.addSubnet(address, prefix);
  const words = Buffer.from(address.split('.').map(Number)).toString('hex');
  list.addSubnet(`64:ff9b::${words.slice(0, 4)}:${words.slice(4)}`, 96 + prefix, 'ipv6');
}

const nobody = new BlockList();
addIpv4(nobody, '0.0.0.0', 8);
addIpv4(nobody, '169.254.0.0', 16);
addIpv4(nobody, '224.0.0.0', 3);
// Clouds whose metadata stands outside the link-local block.
for (const address of ['100.100.100.200', '168.63.129.16', '192.0.0.192']) addIpv4(nobody, address);
for (const address of ['fd00:ec2::254', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe', '::'])
  nobody.addAddress(address, 'ipv6');
nobody.addSubnet('fe80::', 10, 'ipv6');
nobody.addSubnet('ff00::', 8, 'ipv6');

const typeOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Gateways live on private networks, often beside us, so that those stay allowed. */
export const neverEquipment: Refuses = (address) =>
  isIP(address) === 0 || nobody.check(address, typeOf(address));

/** Loopback and every address of this machine, as they are now. */
function ownAddresses(): BlockList {
  const own = new BlockList();
  addIpv4(own, '127.0.0.0', 8);
  own.addAddress('::1', 'ipv6');
  for (const { address } of Object.values(networkInterfaces()).flatMap((all) => all ?? [])) {
    if (isIP(address) === 4) addIpv4(own, address);
    else own.addAddress(address, 'ipv6');
  }
  return own;
}

/** The same, and this machine itself, where databases and consoles listen that trust their neighbours. */
export const elsewhereOnly: Refuses = (address) =>
  neverEquipment(address) || ownAddresses().check(address, typeOf(address));
