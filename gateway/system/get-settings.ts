import { formatIds } from '@pixelflow/core/format'
import { noInput } from '@pixelflow/core/inputs'
import { settingsView } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'

/** What a client needs to know before its first call. */
export const getSettings = declareCall({
  name: 'getSettings',
  tag: 'system',
  summary: 'Get the limits and the authentication method',
  http: { method: 'GET', path: '/api/v1/settings' },
  rpc: ImageService.method.getVersion,
  access: 'public',
  limits: 'small',
  input: noInput,
  output: settingsView,
  response: {
    description: 'Limits and authentication method.',
    isConstant: true,
    example: {
      version: '0.1.0',
      maxUploadBytes: 536_870_912,
      maxPixels: 100_000_000,
      formats: [...formatIds],
      auth: 'none',
    },
  },
  open({ limits: { maxUploadBytes, maxPixels }, server: { version, auth } }) {
    const value = { version, maxUploadBytes, maxPixels, formats: [...formatIds], auth }
    return () => ({ value })
  },
})
