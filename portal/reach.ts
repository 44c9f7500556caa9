/** Which addresses the house sends to on a merchant's word: where equipment stands, never where the machine's own secrets do. */
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Whether nothing is ever sent to this address; a name is no address. */
export type Refuses = (address: string) => boolean;

/** What a notice says where an address was refused. */
export const ADDRESS_REFUSED = 'address refused';

const nobody = new BlockList();
nobody.addSubnet('0.0.0.0', 8);
nobody.addSubnet('169.254.0.0', 16);
nobody.addSubnet('224.0.0.0', 3);
// Clouds whose metadata stands outside the link-local block.
nobody.addAddress('100.100.100.200');
nobody.addAddress('168.63.129.16');
nobody.addAddress('192.0.0.192');
nobody.addAddress('fd00:ec2::254', 'ipv6');
nobody.addAddress('::', 'ipv6');
nobody.addSubnet('fe80::', 10, 'ipv6');
nobody.addSubnet('ff00::', 8, 'ipv6');

const typeOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Gateways live on private networks, often beside us, so that those stay allowed. */
export const neverEquipment: Refuses = (address) =>
  isIP(address) === 0 || nobody.check(address, typeOf(address));

/** Loopback and every address of this machine, as they are now. */
function ownAddresses(): BlockList {
  const own = new BlockList();
  own.addSubnet('127.0.0.0', 8);
  own.addAddress('::1', 'ipv6');
  for (const { address } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
    own.addAddress(address, typeOf(address));
  return own;
}

/** The same, and this machine itself, where databases and consoles listen that trust their neighbours. */
export const elsewhereOnly: Refuses = (address) =>
  neverEquipment(address) || ownAddresses().check(address, typeOf(address));
