/** PURE. Who listens to which notification channel. */

type OnMessage = (payload: string) => void;

export interface Subscriptions {
  /** True when this is the channel's first listener. */
  add(channel: string, onMessage: OnMessage): boolean;
  /** True when this was the channel's last listener. */
  remove(channel: string, onMessage: OnMessage): boolean;
  deliver(channel: string, payload: string): void;
  names(): string[];
}

export function subscriptions(): Subscriptions {
  const byChannel = new Map<string, Set<OnMessage>>();
  return {
    add(channel, onMessage) {
      const known = byChannel.get(channel);
      if (known) known.add(onMessage);
      else byChannel.set(channel, new Set([onMessage]));
      return known === undefined;
    },
    remove(channel, onMessage) {
      const known = byChannel.get(channel);
      if (!known?.delete(onMessage) || known.size > 0) return false;
      return byChannel.delete(channel);
    },
    deliver(channel, payload) {
      for (const onMessage of byChannel.get(channel) ?? []) onMessage(payload);
    },
    names: () => [...byChannel.keys()],
  };
}
