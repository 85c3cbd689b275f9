import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { SettingProblem, Values } from '@pixelflow/platform/config/read-settings'
import { printDuration } from '@pixelflow/platform/config/time-span'
import { isLoopback } from './accounts/require-same-origin.ts'
import type { gatewaySettings } from './config.ts'

type GatewaySettings = Values<typeof gatewaySettings>

/** Finds values that are valid one by one and contradict each other, all of them at once. */
export function checkSettings(settings: GatewaySettings): SettingProblem[] {
  return [
    checkTlsFiles(settings),
    checkClientAuth(settings),
    checkUiDir(settings),
    checkHost(settings),
    checkPorts(settings),
    checkSweepGrace(settings),
    checkCorsOrigins(settings),
  ].filter((one) => one !== undefined)
}

function checkTlsFiles({
  tlsCertFile,
  tlsKeyFile,
  tlsClientCaFile,
}: GatewaySettings): SettingProblem | undefined {
  const remedy = 'Set both. ./pixelflow certs creates a certificate and a key.'
  const missing = (given: string, needed: string) => ({
    variable: given,
    problem: `is set, and ${needed} is not`,
    remedy,
  })
  if (tlsCertFile !== undefined) {
    return tlsKeyFile === undefined ? missing('PIXELFLOW_TLS_CERT_FILE', 'PIXELFLOW_TLS_KEY_FILE') : undefined
  }
  if (tlsKeyFile !== undefined) return missing('PIXELFLOW_TLS_KEY_FILE', 'PIXELFLOW_TLS_CERT_FILE')
  if (tlsClientCaFile !== undefined) return missing('PIXELFLOW_TLS_CLIENT_CA_FILE', 'PIXELFLOW_TLS_CERT_FILE')
  return undefined
}

function checkClientAuth({ tlsClientAuth, tlsClientCaFile }: GatewaySettings): SettingProblem | undefined {
  if (tlsClientAuth === undefined || tlsClientCaFile !== undefined) return undefined
  return {
    variable: 'PIXELFLOW_TLS_CLIENT_AUTH',
    problem: 'is set, and PIXELFLOW_TLS_CLIENT_CA_FILE is not',
    remedy: 'Set PIXELFLOW_TLS_CLIENT_CA_FILE, or leave both out.',
  }
}

function checkUiDir({ uiDir }: GatewaySettings): SettingProblem | undefined {
  if (uiDir === undefined || existsSync(join(uiDir, 'index.html'))) return undefined
  return {
    variable: `PIXELFLOW_UI_DIR=${JSON.stringify(uiDir)}`,
    problem: existsSync(uiDir) ? 'contains no index.html' : 'does not exist',
    remedy: 'Give the path of a folder with a built page, or unset it.',
  }
}

function checkHost({ apiTokens, tlsClientCaFile, host }: GatewaySettings): SettingProblem | undefined {
  if (apiTokens !== undefined || tlsClientCaFile !== undefined || isLoopback(host)) return undefined
  return {
    variable: `PIXELFLOW_HOST=${JSON.stringify(host)}`,
    problem: 'can be reached by other machines, and neither tokens nor client certificates are configured',
    remedy:
      'Set PIXELFLOW_API_TOKENS (or PIXELFLOW_API_TOKENS_FILE) or PIXELFLOW_TLS_CLIENT_CA_FILE, or listen on 127.0.0.1.',
  }
}

function checkPorts({ httpPort, grpcPort }: GatewaySettings): SettingProblem | undefined {
  if (httpPort === 0 || httpPort !== grpcPort) return undefined
  return {
    variable: `PIXELFLOW_GRPC_PORT=${grpcPort}`,
    problem: 'is also PIXELFLOW_HTTP_PORT',
    remedy: 'Set two different ports.',
  }
}

/** Least difference between the pause of an upload and the grace; a chunk is buffered for up to half of it. */
const graceMarginMs = 60_000

function checkSweepGrace({ sweepGraceMs, uploadIdleTimeoutMs }: GatewaySettings): SettingProblem | undefined {
  if (sweepGraceMs >= uploadIdleTimeoutMs + graceMarginMs) return undefined
  return {
    variable: `PIXELFLOW_SWEEP_GRACE=${printDuration(sweepGraceMs)}`,
    problem: `is not a minute longer than PIXELFLOW_UPLOAD_IDLE_TIMEOUT=${printDuration(uploadIdleTimeoutMs)}`,
    remedy: 'Make it longer: a sweep would delete the chunks of an upload that pauses.',
  }
}

function checkCorsOrigins({ corsOrigins, apiTokens }: GatewaySettings): SettingProblem | undefined {
  if (!corsOrigins.includes('*') || apiTokens !== undefined) return undefined
  return {
    variable: 'PIXELFLOW_CORS_ORIGINS="*"',
    problem: 'would allow calls from every page in a browser, because calls need no token',
    remedy: 'Name the origins, or set PIXELFLOW_API_TOKENS.',
  }
}
