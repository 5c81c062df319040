/** Counts the tasks of a pass that may still ask for an intent, so that all intents of one moment share one write. */
export interface Activity {
  begin(): void;
  end(): void;
  /** Calls back when nobody is active any more; at once when nobody is. */
  whenIdle(callback: () => void): void;
}

export function createActivity(): Activity {
  let active = 0;
  let waiting: (() => void)[] = [];
  return {
    begin: () => {
      active += 1;
    },
    end: () => {
      active -= 1;
      if (active > 0) return;
      const callbacks = waiting;
      waiting = [];
      for (const callback of callbacks) callback();
    },
    whenIdle: (callback) => {
      if (active === 0) callback();
      else waiting.push(callback);
    },
  };
}
