/** A code by text message. */
import { oneTimeCode } from './one-time-code.ts';

export const smsCode = oneTimeCode('sms-code', 'sms');
