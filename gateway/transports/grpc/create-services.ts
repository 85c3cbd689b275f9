import type { DescService } from '@bufbuild/protobuf'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Health } from '@pixelflow/proto/grpc/health/v1/health_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { RefusalBudget } from '../../limits/refusal-budget.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { CallMeters } from '../../metrics/call-meters.ts'
import { createCallInterceptor, type CallInterceptor } from './call-interceptor.ts'
import { health } from './health.ts'
import { imageService, type ImageServiceOptions } from './image-service.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import { reflection, reflectionServices } from './reflection.ts'
import type { Implementation } from './implementation.ts'

export interface ServicesOptions extends ImageServiceOptions {
  readonly authenticator: Authenticator
  readonly memory: RequestMemory
  readonly refusalBudget: RefusalBudget
  readonly isReady: () => Promise<boolean>
  readonly meters: CallMeters
  readonly storeTimeout: StoreTimeout
  readonly log: Logger
}

/** Serves one service over one protocol. */
type BindService = <S extends DescService>(service: S, implementation: Implementation<S>) => void

/** All services, created once and served by several protocols. */
export interface Services {
  readonly callInterceptor: CallInterceptor
  readonly refusalBudget: RefusalBudget
  readonly readiness: Readiness
  /** Binds the services that every protocol can serve. */
  bind(bindService: BindService): void
  /** Binds server reflection, which needs bidirectional streams. */
  bindReflection(bindService: BindService): void
}

export function createServices(options: ServicesOptions): Services {
  const { authenticator, memory, refusalBudget, isReady, meters, storeTimeout, log } = options
  const readiness = createReadiness(isReady)
  const described = [ImageService, Health, ...reflectionServices]
  const images = imageService(options)
  const healthImplementation = health(
    readiness,
    described.map((one) => one.typeName),
  )
  return {
    callInterceptor: createCallInterceptor({
      authenticator,
      memory,
      refusalBudget,
      meters,
      storeTimeout,
      log,
    }),
    refusalBudget,
    readiness,
    bind(bindService) {
      bindService(ImageService, images)
      bindService(Health, healthImplementation)
    },
    bindReflection(bindService) {
      const { v1, v1alpha } = reflection(described)
      bindService(reflectionServices[0], v1)
      bindService(reflectionServices[1], v1alpha)
    },
  }
}
