/** A whole number on a command line. */
import { InvalidArgumentError } from 'commander';

/** Parses an option's value; commander tells the caller when it is no whole number of at least `least`. */
export function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) {
      throw new InvalidArgumentError('must be a whole number');
    }
    return value;
  };
}
