import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { App } from '../app/app.ts'

const context = createContext<App | null>(null)

export const AppProvider = context.Provider

export function useApp(): App {
  const app = useContext(context)
  if (app === null) throw new Error('useApp needs an AppProvider. Wrap the component in one.')
  return app
}
