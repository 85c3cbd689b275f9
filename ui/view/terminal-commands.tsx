import { useRef } from 'preact/hooks'
import { useComputed, useSignal } from '@preact/signals'
import { writeCliCommand, writeCurlCommand, type TerminalCommand } from '../recipe/terminal-command.ts'
import { predictFileName } from '../recipe/predict-file-name.ts'
import { nameResultFile } from '../text/name-result-file.ts'
import { useApp } from './use-app.ts'
import { CopyButton } from './copy-button.tsx'
import { Tabs } from './tabs.tsx'

/** The task of the page as terminal commands to copy. */
export function TerminalCommands() {
  const chosenClient = useSignal<'curl' | 'cli'>('curl')
  const lastValid = useRef<TerminalCommand | null>(null)
  // While the recipe is invalid, the commands of the last valid one stay.
  const command = useTerminalCommand() ?? lastValid.current
  lastValid.current = command
  if (command === null) return null
  const text = chosenClient.value === 'curl' ? writeCurlCommand(command) : writeCliCommand(command)
  return (
    <section class="panel" aria-labelledby="commands-title">
      <div class="panel-head">
        <h2 id="commands-title">From a terminal</h2>
        <Tabs
          label="Client"
          options={[
            ['curl', 'curl'],
            ['cli', 'CLI'],
          ]}
          chosen={chosenClient.value}
          onChoose={(next) => (chosenClient.value = next)}
        />
        <CopyButton text={text} label="the command" />
      </div>
      {/* Focusable, so that the keyboard can scroll wide content. */}
      <pre class="code" tabIndex={0} aria-label="Command">
        {text}
      </pre>
    </section>
  )
}

function useTerminalCommand(): TerminalCommand | null {
  const { editor, selection, run, server } = useApp()
  return useComputed(() => {
    const recipe = editor.recipe.value
    if (recipe === null) return null
    const source = selection.current.value
    const fileName = source?.name ?? 'photo.jpg'
    return {
      origin: location.origin,
      fileName,
      recipe: recipe.text ?? JSON.stringify(recipe.body),
      needsToken: server.needsToken.value,
      results: run.results.value.map(({ output }) => ({
        href: output.href,
        fileName: nameResultFile(fileName, output),
      })),
      resultName: predictFileName(recipe.parsed, fileName, source?.format ?? 'jpeg'),
    }
  }).value
}
