import { findNearestWord } from '@pixelflow/core/validation/find-nearest-word'
import type { Environment } from './read-settings.ts'
import settingNames from './setting-names.json'

/** A variable that looks like a setting, and the setting that was probably meant. */
export interface UnknownSetting {
  readonly name: string
  readonly closest?: string
}

const prefix = 'PIXELFLOW_'
/** Standard variables for traces; many of them are not supported. */
const standardPrefixes = ['OTEL_EXPORTER_OTLP_', 'OTEL_TRACES_']
/** Variables of tests, which no table declares. */
const testPrefix = 'PIXELFLOW_TEST_'
/**
 * Finds variables that begin like a setting and are not one, such as a misspelt name or an unsupported one of OpenTelemetry. A process compares with the settings
 * of all packages, because `./pixelflow up` passes the same environment to every process.
 */
export function unknownSettings(
  env: Environment,
  known: readonly string[] = settingNames.names,
): UnknownSetting[] {
  return Object.keys(env)
    .filter((name) => [prefix, ...standardPrefixes].some((one) => name.startsWith(one)))
    .filter((name) => !name.startsWith(testPrefix) && !known.includes(name))
    .map((name) => {
      const closest = closestTo(name, known)
      return closest === undefined ? { name } : { name, closest }
    })
}

function closestTo(name: string, known: readonly string[]): string | undefined {
  if (!name.startsWith(prefix)) return undefined
  // Without the prefix, which all names share.
  const toWord = (setting: string) => setting.slice(prefix.length).toLowerCase()
  const settings = known.filter((one) => one.startsWith(prefix))
  const nearest = findNearestWord(toWord(name), settings.map(toWord))
  return settings.find((one) => toWord(one) === nearest)
}
