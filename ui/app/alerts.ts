import { signal, type ReadonlySignal } from '@preact/signals'
import { toNotice, type Notice } from '../api/notice.ts'

export interface Alert {
  readonly key: number
  readonly notice: Notice
}

/** Alerts, newest last, at most four, each until it is dismissed. */
export interface Alerts {
  readonly all: ReadonlySignal<readonly Alert[]>
  add(notice: Notice): void
  dismiss(key: number): void
  /** Adds an alert if the work fails; an abort is not a failure. */
  reportErrors(work: Promise<unknown>): void
}

export function createAlerts(): Alerts {
  const all = signal<readonly Alert[]>([])
  let lastKey = 0

  function add(notice: Notice): void {
    const others = all.value.filter((one) => one.notice.detail !== notice.detail)
    all.value = [...others, { key: (lastKey += 1), notice }].slice(-4)
  }

  return {
    all,
    add,
    dismiss(key) {
      all.value = all.value.filter((one) => one.key !== key)
    },
    reportErrors(work) {
      work.catch((thrown: unknown) => {
        if (!isAbort(thrown)) add(toNotice(thrown))
      })
    },
  }
}

export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError'
}
