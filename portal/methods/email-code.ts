/** A code by mail. */
import { oneTimeCode } from './one-time-code.ts';

export const emailCode = oneTimeCode('email-code', 'email');
