import type { Values } from '../config/read-settings.ts'
import { choice } from '../config/setting.ts'

/** Log settings of every service. */
export const logSettings = {
  logLevel: choice('PIXELFLOW_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], {
    default: 'info',
    help: 'The least important log lines to write.',
  }),
  logFormat: choice('PIXELFLOW_LOG_FORMAT', ['json', 'pretty'], {
    default: undefined,
    defaultDescription: 'pretty on a terminal, else json',
    help: 'How log lines are written.',
  }),
}

export type LogSettings = Values<typeof logSettings>
