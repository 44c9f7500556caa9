/** The past as visits ask for it, read through the features that keep it. */
import type { LiveFences } from '../fences/live.ts';
import type { Archive } from '../visits/archive.ts';
import { fenceRevision } from '../fences/queries.ts';
import { checkpointBefore, storedPings } from '../pings/history.ts';

export function createArchive(fences: LiveFences): Archive {
  return {
    pings: (tx, merchantId, deviceId, { from, to, limit }) =>
      storedPings(tx, merchantId, deviceId, from, to, limit),
    stateBefore: checkpointBefore,
    async fences(tx, merchantId, from) {
      const revision = await fenceRevision(tx, merchantId);
      const { timeline, metas } = await fences.timeline(tx, merchantId, revision, from);
      return { timeline, names: metas };
    },
  };
}
