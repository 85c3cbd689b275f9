import type { WorkerLender } from './worker-lender.ts'

/** Tells whether a sandbox keeps workers of its own warm. */
export interface LenderWatch extends Disposable {
  readonly keepsWarm: boolean
}

/**
 * Without a lender a sandbox always keeps workers warm. With one it does when the lender has had no worker to lend for a while,
 * because starting a worker costs more than a short work item.
 * @param onBusy called when the lender has had no worker to lend for `afterMs`, and every `afterMs` while that lasts
 */
export function watchLender(
  lender: WorkerLender | undefined,
  afterMs: number,
  onBusy: () => void,
): LenderWatch {
  if (lender === undefined) return { keepsWarm: true, [Symbol.dispose]: () => {} }
  let isBusy = false
  let timer: Timer | undefined
  const wait = () => (timer = setTimeout(check, afterMs).unref())
  const check = () => {
    isBusy = !lender.canLend
    timer = undefined
    if (!isBusy) return
    wait()
    onBusy()
  }
  lender.onTaken(() => {
    if (timer === undefined) wait()
  })
  return {
    get keepsWarm() {
      return isBusy && !lender.canLend
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
