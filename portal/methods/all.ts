/** Every method by its name. */
import type { MethodName } from '../ports.ts';
import { clickThrough } from './click-through.ts';
import { emailCode } from './email-code.ts';
import type { Method } from './method.ts';
import { smsCode } from './sms-code.ts';
import { voucher } from './voucher.ts';

export const methods: Partial<Record<MethodName, Method>> = {
  'click-through': clickThrough,
  'sms-code': smsCode,
  'email-code': emailCode,
  voucher,
};
