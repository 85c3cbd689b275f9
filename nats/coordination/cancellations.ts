import type { Channel } from '@pixelflow/core/ports/cancellations'
import type { Broker } from '../connection/broker.ts'
import { cancelSubject, cancelSubjects } from '../topology/topology.ts'

/** Word between live processes over plain NATS subjects. */
export function createChannel(broker: Broker): Channel {
  return {
    async cancel(account, task) {
      if (broker.connected) broker.nc.publish(cancelSubject(account, task))
    },
    onCancel(heard) {
      const subscription = broker.nc.subscribe(cancelSubjects, {
        callback: (error, { subject }) => {
          const [, account, task] = error ? [] : subject.split('.')
          if (account && task) heard(account, task)
        },
      })
      return () => subscription.unsubscribe()
    },
  }
}
