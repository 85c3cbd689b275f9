import type { Cancellations } from '@pixelflow/core/ports/cancellations'
import type { Broker } from '../connection/broker.ts'
import { cancelSubject, cancelSubjects } from '../topology/subjects.ts'

/** Cancellations over core NATS subjects. */
export function createCancellations(broker: Broker): Cancellations {
  return {
    async publish(account, task) {
      if (broker.isConnected) broker.nc.publish(cancelSubject(account, task))
    },
    subscribe(callback) {
      const subscription = broker.nc.subscribe(cancelSubjects, {
        callback: (error, { subject }) => {
          const [, account, task] = error ? [] : subject.split('.')
          if (account && task) callback(account, task)
        },
      })
      return () => subscription.unsubscribe()
    },
  }
}
