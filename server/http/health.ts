/** Live, ready and metrics: what an orchestrator and Prometheus ask. */
import type { RequestHandler, Router } from 'express';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { hashToken, sameBytes } from '../ids.ts';

export interface HealthDeps {
  /** Resolves when storage answers; must be bounded in time. */
  ping(): Promise<void>;
  draining(): boolean;
  metricsToken: string | undefined;
}

export interface MetricsDeps {
  figures(): Promise<{ waiting: number; oldestSeconds: number; dead: number }>;
  sockets(): number;
}

export interface RadiusFigures {
  counts(): Readonly<Record<string, number>>;
  /** Heard last first. */
  strangers(): readonly { address: string; packets: number }[];
}

/** More addresses than these are not shown: each is a series of its own. */
const MOST_STRANGERS = 20;

export interface Metrics {
  registry: Registry;
  pings: Counter<'source' | 'verdict'>;
  events: Counter<'type'>;
  kicks: Counter<'outcome'>;
  /** Shows from now on whether the MQTT broker is there. */
  watchBroker(connected: () => boolean): void;
  /** Shows from now on what happened to RADIUS packets, by name, and who sends some without being registered. */
  watchRadius(radius: RadiusFigures): void;
  /** Observes every request; the label is the route's pattern, never the raw path. */
  middleware: RequestHandler;
}

/** A registry of one server (several may live in one test process). */
export function createMetrics(deps: MetricsDeps): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'foyer_http_request_seconds',
    help: 'Time to answer HTTP requests.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  });
  const outbox = new Gauge({
    name: 'foyer_outbox_events',
    help: 'Domain events not yet delivered, by state.',
    labelNames: ['state'] as const,
    registers: [],
    async collect() {
      // Storage that is away must not take the other figures with it: that is when they are needed.
      const figures = await deps.figures().catch(() => null);
      if (figures === null) {
        this.reset();
        age.reset();
        return;
      }
      this.set({ state: 'waiting' }, figures.waiting);
      this.set({ state: 'dead' }, figures.dead);
      age.set(figures.oldestSeconds);
    },
  });
  const age = new Gauge({
    name: 'foyer_outbox_oldest_seconds',
    help: 'Age of the oldest event not yet delivered.',
    registers: [registry],
  });
  const sockets = new Gauge({
    name: 'foyer_sockets',
    help: 'Connected sockets.',
    registers: [],
    collect() {
      this.set(deps.sockets());
    },
  });
  registry.registerMetric(outbox);
  registry.registerMetric(sockets);
  return {
    registry,
    pings: new Counter({
      name: 'foyer_pings_total',
      help: 'Pings received, by protocol and verdict.',
      labelNames: ['source', 'verdict'] as const,
      registers: [registry],
    }),
    events: new Counter({
      name: 'foyer_events_total',
      help: 'Domain events delivered, by type.',
      labelNames: ['type'] as const,
      registers: [registry],
    }),
    kicks: new Counter({
      name: 'foyer_kicks_total',
      help: 'Guests whom gateways were asked to put out, by what came of it.',
      labelNames: ['outcome'] as const,
      registers: [registry],
    }),
    watchBroker: (connected) => {
      registry.registerMetric(
        new Gauge({
          name: 'foyer_mqtt_connected',
          help: 'Whether the MQTT broker is there: 1 or 0.',
          registers: [],
          collect() {
            this.set(connected() ? 1 : 0);
          },
        }),
      );
    },
    watchRadius: (radius) => {
      const packets = new Counter({
        name: 'foyer_radius_packets_total',
        help: 'RADIUS packets, by what happened to them.',
        labelNames: ['outcome'] as const,
        registers: [],
        collect() {
          this.reset();
          for (const [outcome, count] of Object.entries(radius.counts()))
            this.inc({ outcome }, count);
        },
      });
      registry.registerMetric(packets);
      const unknown = new Gauge({
        name: 'foyer_radius_unknown_client_packets',
        help: 'RADIUS packets from addresses that no gateway names, by address: the twenty heard last.',
        labelNames: ['address'] as const,
        registers: [],
        collect() {
          this.reset();
          for (const { address, packets: count } of radius.strangers().slice(0, MOST_STRANGERS))
            this.set({ address }, count);
        },
      });
      registry.registerMetric(unknown);
    },
    middleware: (request, response, next) => {
      const stop = requests.startTimer();
      response.once('finish', () => {
        const route = (request.route as { path?: string } | undefined)?.path ?? 'none';
        stop({ method: request.method, route, status: String(response.statusCode) });
      });
      next();
    },
  };
}

/** Mounts /health/live, /health/ready and /metrics. */
export function mountHealth(router: Router, metrics: Metrics, deps: HealthDeps): void {
  router.get('/health/live', (_request, response) => {
    response.json({ status: 'live' });
  });
  router.get('/health/ready', async (_request, response) => {
    const reason = deps.draining()
      ? 'draining'
      : await deps.ping().then(
          () => null,
          () => 'storage',
        );
    response
      .status(reason ? 503 : 200)
      .set('Cache-Control', 'no-store')
      .json(reason ? { status: 'not ready', reason } : { status: 'ready' });
  });
  router.get('/metrics', async (request, response) => {
    if (!mayReadMetrics(request, deps.metricsToken)) {
      response.status(404).end();
      return;
    }
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}

/** What a reverse proxy on this machine adds: then the caller is somebody else. */
const proxyHeaders = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

/** With a token: that token. Without: this machine only, and not through a proxy on it. */
function mayReadMetrics(
  request: Parameters<RequestHandler>[0],
  token: string | undefined,
): boolean {
  if (token !== undefined) {
    const sent = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    return sameBytes(hashToken(sent), hashToken(token));
  }
  const peer = request.socket.remoteAddress ?? '';
  const local = peer === '::1' || /^(::ffff:)?127\./.test(peer);
  return local && !proxyHeaders.some((name) => request.headers[name] !== undefined);
}
