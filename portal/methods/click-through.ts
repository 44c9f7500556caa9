/** No proof asked: accepting the terms is enough. */
import type { Method } from './method.ts';

export const clickThrough: Method = {
  name: 'click-through',
  byChoice: { method: 'click-through' },
};
