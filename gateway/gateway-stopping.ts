import { Fault } from '@pixelflow/core/fault'

/** The fault of a call that this gateway ends because it stops. @param remedy how the caller continues */
export function gatewayStopping(remedy: string, retryAfterMs = 100): Fault {
  return new Fault('unavailable', 'This gateway is stopping.', { remedy, retryAfterMs })
}
