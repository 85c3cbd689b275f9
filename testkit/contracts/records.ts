import { describe, expect, test } from 'bun:test'
import type { ImageRecord } from '@pixelflow/core/image'
import type { Records } from '@pixelflow/core/ports/records'

export interface RecordsUnderTest extends AsyncDisposable {
  readonly records: Records<ImageRecord>
}

/** Registers the tests that every adapter of `Records` must pass, with image records as an example. */
export function recordsContract(name: string, open: () => Promise<RecordsUnderTest>): void {
  describe(`${name}: records contract`, () => {
    test('a record is created once, read, and deleted once', async () => {
      await using fixture = await open()
      const { records } = fixture
      const record = sampleRecord()
      expect(await records.get('local', record.id)).toBeNull()
      expect(await records.create('local', record.id, record)).toBe(true)
      expect(await records.create('local', record.id, { ...record, bytes: 2 })).toBe(false)
      expect(await records.get('local', record.id)).toEqual(record)
      expect(await records.delete('local', record.id)).toBe(true)
      expect(await records.delete('local', record.id)).toBe(false)
      expect(await records.get('local', record.id)).toBeNull()
    })

    test('a deleted id can be created again', async () => {
      await using fixture = await open()
      const record = sampleRecord()
      await fixture.records.create('local', record.id, record)
      await fixture.records.delete('local', record.id)
      expect(await fixture.records.create('local', record.id, { ...record, bytes: 7 })).toBe(true)
      expect((await fixture.records.get('local', record.id))?.bytes).toBe(7)
    })

    test('accounts are isolated', async () => {
      await using fixture = await open()
      const record = sampleRecord()
      await fixture.records.create('anna', record.id, record)
      expect(await fixture.records.get('otto', record.id)).toBeNull()
      expect(await fixture.records.delete('otto', record.id)).toBe(false)
      expect(await fixture.records.create('otto', record.id, record)).toBe(true)
    })

    test('of concurrent creations exactly one succeeds', async () => {
      await using fixture = await open()
      const record = sampleRecord()
      const tries = Array.from({ length: 10 }, (_, i) => ({ ...record, bytes: i + 1 }))
      const created = await Promise.all(tries.map((one) => fixture.records.create('local', record.id, one)))
      expect(created.filter(Boolean)).toHaveLength(1)
      expect((await fixture.records.get('local', record.id))?.bytes).toBe(created.indexOf(true) + 1)
    })
  })
}

export function sampleRecord(): ImageRecord {
  return {
    id: Bun.randomUUIDv7(),
    account: 'local',
    sha256: '0'.repeat(64),
    bytes: 1234,
    format: 'jpeg',
    width: 640,
    height: null,
    createdAt: new Date().toISOString(),
  }
}
