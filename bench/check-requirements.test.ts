import { expect, test } from 'bun:test'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openFolders } from '@pixelflow/testkit/folders'
import { checkRequirements } from './check-requirements.ts'

const systems = ['pixelflow'] as const
const works = { parts: ['works'], systems: [...systems], profile: undefined, save: undefined }

async function addProgram(folder: string, name: string): Promise<void> {
  await Bun.write(join(folder, name), '#!/bin/sh\n')
  await chmod(join(folder, name), 0o755)
}

test('programs of the compared systems are required, each by its name', async () => {
  await using folders = await openFolders('pixelflow-bench-')
  const path = folders.home
  const check = (names: typeof works.systems | ['bullmq'] | ['bullmq-node']) =>
    checkRequirements({ ...works, systems: [...names] }, path)
  expect(await check(['pixelflow'])).toEqual([])
  expect(check(['bullmq'])).rejects.toMatchObject({
    name: 'UsageError',
    message: 'redis-server is not on PATH.',
    field: '--systems',
    remedy: expect.stringContaining('apt-get install redis-server'),
  })
  await addProgram(path, 'redis-server')
  expect(await check(['bullmq'])).toEqual([])
  expect(check(['bullmq-node'])).rejects.toMatchObject({ message: 'node is not on PATH.' })
  await addProgram(path, 'node')
  expect(await check(['bullmq-node'])).toEqual([])
  // No other part starts these programs.
  const other = { ...works, parts: ['reads'], systems: ['bullmq' as const] }
  expect(await checkRequirements(other, '/nonexistent')).toEqual([])
})

test('the budget without strace is measured with a note', async () => {
  const [note] = await checkRequirements({ ...works, parts: ['budget'] }, '/nonexistent')
  expect(note).toContain('will not count system calls')
})

test('paths that cannot be written are refused, and others are left as they were', async () => {
  await using folders = await openFolders('pixelflow-bench-')
  const file = join(folders.home, 'file')
  await Bun.write(file, 'text')
  await mkdir(join(folders.home, 'folder'))
  for (const save of ['/proc/x/y', join(file, 'x'), join(folders.home, 'folder')])
    await expect(checkRequirements({ ...works, save })).rejects.toMatchObject({ field: '--save' })
  await expect(checkRequirements({ ...works, save: file })).rejects.toThrow('is not a file of results.')
  for (const profile of ['/proc/x', join(file, 'x'), join(folders.home, 'a b')])
    await expect(checkRequirements({ ...works, profile })).rejects.toMatchObject({ field: '--profile' })

  const results = join(folders.home, 'results.json')
  await checkRequirements({ ...works, save: results, profile: join(folders.home, 'profile') })
  expect((await readdir(folders.home)).toSorted()).toEqual(['file', 'folder', 'profile'])
  await Bun.write(results, '{"machine":"","parts":{}}\n')
  await checkRequirements({ ...works, save: results })
  expect(await Bun.file(results).text()).toBe('{"machine":"","parts":{}}\n')
})
