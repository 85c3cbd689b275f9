import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace'
import type { Recorder } from '../tracing.ts'
import type { TraceSettings } from '../trace-settings.ts'
import { toSpanContext } from './to-readable-span.ts'

/** The samplers of OpenTelemetry, by the name in the settings. */
export function createSampler({
  sampler,
  samplerArg,
}: Pick<TraceSettings, 'sampler' | 'samplerArg'>): Recorder['isSampled'] {
  const ratio = samplerArg === undefined ? 1 : Number(samplerArg)
  const chosen = samplers[sampler](ratio)
  return (traceId, parent) => {
    const context =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent))
    const { decision } = chosen.shouldSample(context, traceId, '', SpanKind.INTERNAL, {}, [])
    return decision === SamplingDecision.RECORD_AND_SAMPLED
  }
}

const samplers: Readonly<Record<TraceSettings['sampler'], (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
}
