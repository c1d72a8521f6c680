// The backend, as the page sees it: same origin, JSON in and out.

async function call(method, path, body) {
  const reply = await fetch(path, {
    method,
    headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body && JSON.stringify(body)
  })
  if (!reply.ok) {
    const detail = await reply.json().then((j) => j.detail, () => null)
    throw new Error(typeof detail === 'string' ? detail : `${method} ${path}: ${reply.status}`)
  }
  return reply.status === 204 ? null : reply.json()
}

export const list = (what, query = '') => call('GET', `/api/${what}${query}`)
export const add = (what, body) => call('POST', `/api/${what}`, body)
export const remove = (what, id) => call('DELETE', `/api/${what}/${id}`)

// A 503 is an answer too: it says what is wrong. Anything else means that nobody answered.
export async function health() {
  try {
    const reply = await fetch('/health/detailed', { cache: 'no-store' })
    const body = await reply.json()
    if (body.checks) return body
  } catch {
    // told below
  }
  return { status: 'unreachable', checks: {}, failed: [] }
}
