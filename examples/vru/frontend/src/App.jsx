import { useCallback, useEffect, useState } from 'react'
import { add, list, remove } from './api.js'
import { HealthPanel, Pill, useHealth } from './Health.jsx'

const VRU_TYPES = ['pedestrian', 'cyclist', 'motorcyclist', 'wheelchair', 'scooter']

function clock(seconds) {
  const whole = Math.floor(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

function Remove({ what, onClick }) {
  return (
    <button className="remove" type="button" aria-label={`Remove ${what}`} title="Remove" onClick={onClick}>
      ×
    </button>
  )
}

// A form that hands its fields over as an object and starts afresh once that went well.
function Form({ onAdd, disabled, children }) {
  const [busy, setBusy] = useState(false)
  async function submit(event) {
    event.preventDefault()
    const form = event.currentTarget
    setBusy(true)
    if (await onAdd(Object.fromEntries(new FormData(form)))) form.reset()
    setBusy(false)
  }
  return (
    <form onSubmit={submit}>
      <fieldset disabled={disabled || busy}>
        {children}
        <button type="submit">Add</button>
      </fieldset>
    </form>
  )
}

function Column({ title, count, empty, form, children }) {
  return (
    <section className="column">
      <header>
        <h2>{title}</h2>
        <span className="count">{count}</span>
      </header>
      {form}
      {count === 0 ? <p className="empty">{empty}</p> : <ul>{children}</ul>}
    </section>
  )
}

function Row({ chosen, onChoose, title, note, badge, onRemove }) {
  return (
    <li className={chosen ? 'chosen' : ''}>
      <button className="choose" type="button" aria-pressed={onChoose ? chosen : undefined} onClick={onChoose} disabled={!onChoose}>
        <strong>{title}</strong>
        <small>{note}</small>
      </button>
      {badge}
      <Remove what={title} onClick={onRemove} />
    </li>
  )
}

export default function App() {
  const health = useHealth()
  const [projects, setProjects] = useState([])
  const [videos, setVideos] = useState([])
  const [detections, setDetections] = useState([])
  const [project, setProject] = useState(null)
  const [video, setVideo] = useState(null)
  const [error, setError] = useState('')

  const load = useCallback(async () => {
    const [p, v, d] = await Promise.all([list('projects'), list('videos'), list('detections')])
    setProjects(p)
    setVideos(v)
    setDetections(d)
  }, [])

  // Runs a change, shows what came of it, and answers whether it went well.
  const change = useCallback(
    async (work) => {
      try {
        if (work) await work()
        await load()
        setError('')
        return true
      } catch (problem) {
        setError(problem.message)
        return false
      }
    },
    [load]
  )

  // Whenever the backend comes (back), what is shown is fetched again.
  const reachable = health && health.status !== 'unreachable'
  useEffect(() => {
    if (reachable) change()
  }, [reachable, change])

  const chosenProject = projects.find((p) => p.id === project) || projects[0]
  const shownVideos = chosenProject ? videos.filter((v) => v.project_id === chosenProject.id) : []
  const chosenVideo = shownVideos.find((v) => v.id === video) || shownVideos[0]
  const shownDetections = chosenVideo ? detections.filter((d) => d.video_id === chosenVideo.id) : []

  return (
    <>
      <header className="top">
        <img src="/icon.svg" alt="" width="36" height="36" />
        <div>
          <h1>VRU Validation Platform</h1>
          <p>Vulnerable road users: what the model saw, and whether it should have</p>
        </div>
        <nav>
          <a href="/docs">API</a>
          <a href="/health/detailed">Health</a>
        </nav>
        <Pill state={health} />
      </header>

      <main>
        <HealthPanel state={health} />
        {error && (
          <p className="error" role="alert">
            {error}
          </p>
        )}
        <div className="columns">
          <Column
            title="Projects"
            count={projects.length}
            empty="No project yet. Add the first one above."
            form={
              <Form onAdd={(f) => change(async () => setProject((await add('projects', f)).id))}>
                <input name="name" placeholder="New project" aria-label="Name of the project" required maxLength="200" />
              </Form>
            }
          >
            {projects.map((p) => (
              <Row
                key={p.id}
                chosen={p === chosenProject}
                onChoose={() => setProject(p.id)}
                title={p.name}
                note={p.description || 'No description'}
                badge={<span className="badge">{p.videos} {p.videos === 1 ? 'video' : 'videos'}</span>}
                onRemove={() => change(() => remove('projects', p.id))}
              />
            ))}
          </Column>

          <Column
            title="Videos"
            count={shownVideos.length}
            empty={chosenProject ? 'No video in this project yet.' : 'Choose a project first.'}
            form={
              <Form
                disabled={!chosenProject}
                onAdd={(f) => change(async () => setVideo((await add('videos', { ...f, project_id: chosenProject.id })).id))}
              >
                <input name="filename" placeholder="recording.mp4" aria-label="File name" required maxLength="255" />
                <input name="duration_seconds" type="number" min="0" step="any" defaultValue="60" aria-label="Length in seconds" title="Length in seconds" required />
              </Form>
            }
          >
            {shownVideos.map((v) => (
              <Row
                key={v.id}
                chosen={v === chosenVideo}
                onChoose={() => setVideo(v.id)}
                title={v.filename}
                note={`${clock(v.duration_seconds)} · ${v.fps} fps · ${v.detections} ${v.detections === 1 ? 'detection' : 'detections'}`}
                badge={<span className={`badge ${v.status}`}>{v.status}</span>}
                onRemove={() => change(() => remove('videos', v.id))}
              />
            ))}
          </Column>

          <Column
            title="Detections"
            count={shownDetections.length}
            empty={chosenVideo ? 'Nothing was detected in this video.' : 'Choose a video first.'}
            form={
              <Form disabled={!chosenVideo} onAdd={(f) => change(() => add('detections', { ...f, video_id: chosenVideo.id }))}>
                <select name="vru_type" aria-label="Kind of road user">
                  {VRU_TYPES.map((t) => (
                    <option key={t}>{t}</option>
                  ))}
                </select>
                <input name="at_seconds" type="number" min="0" step="any" defaultValue="0" aria-label="Second of the video" title="Second of the video" required />
                <input name="confidence" type="number" min="0" max="1" step="0.01" defaultValue="0.9" aria-label="Confidence from 0 to 1" title="Confidence from 0 to 1" required />
              </Form>
            }
          >
            {shownDetections.map((d) => (
              <Row
                key={d.id}
                title={d.vru_type}
                note={`at ${clock(d.at_seconds)}`}
                badge={
                  <span className="confidence" title={`confidence ${d.confidence}`}>
                    <i aria-hidden="true" style={{ '--share': `${d.confidence * 100}%` }} />
                    {Math.round(d.confidence * 100)} %
                  </span>
                }
                onRemove={() => change(() => remove('detections', d.id))}
              />
            ))}
          </Column>
        </div>
      </main>
    </>
  )
}
