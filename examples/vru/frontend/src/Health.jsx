import { useEffect, useState } from 'react'
import { health } from './api.js'

const EVERY_MS = 5000

// The backend's own word on itself and what it depends on, asked again while the page is seen.
export function useHealth() {
  const [state, setState] = useState(null)
  useEffect(() => {
    let gone = false
    const ask = async () => {
      if (document.hidden) return
      const answer = await health()
      if (!gone) setState(answer)
    }
    ask()
    const timer = setInterval(ask, EVERY_MS)
    document.addEventListener('visibilitychange', ask)
    return () => {
      gone = true
      clearInterval(timer)
      document.removeEventListener('visibilitychange', ask)
    }
  }, [])
  return state
}

function uptime(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86400)} d`
}

export function Pill({ state }) {
  const status = state ? state.status : 'asking'
  return (
    <span className={`pill ${status}`} role="status">
      <i aria-hidden="true" />
      {status}
    </span>
  )
}

function Part({ name, status, facts, error }) {
  return (
    <article className={`part ${status}`}>
      <header>
        <h3>{name}</h3>
        <Pill state={{ status }} />
      </header>
      <p>{error || facts.filter(Boolean).join(' · ') || '–'}</p>
    </article>
  )
}

const ms = (check) => `${check.latency_ms} ms`

export function HealthPanel({ state }) {
  const status = state ? state.status : 'asking'
  const { database, redis, environment } = (state && state.checks) || {}
  const unknown = { status: status === 'asking' ? 'asking' : 'unknown' }
  const problems = Object.entries((environment && environment.problems) || {})
  return (
    <section className="parts" aria-label="Health">
      <Part
        name="Backend"
        status={status === 'unhealthy' ? 'healthy' : status}
        facts={[state && state.uptime_seconds != null && `up for ${uptime(state.uptime_seconds)}`]}
        error={status === 'unreachable' && 'No answer'}
      />
      <Part
        name="PostgreSQL"
        status={(database || unknown).status}
        facts={database && database.version ? [database.version.split(' ')[0], `${database.tables} tables`, ms(database)] : []}
        error={database && database.error}
      />
      <Part
        name="Redis"
        status={(redis || unknown).status}
        facts={redis && redis.version ? [redis.version, redis.role, ms(redis)] : []}
        error={redis && redis.error}
      />
      <Part
        name="Environment"
        status={(environment || unknown).status}
        facts={environment ? ['all required variables set'] : []}
        error={problems.map(([name, reason]) => `${name}: ${reason}`).join(', ')}
      />
    </section>
  )
}
