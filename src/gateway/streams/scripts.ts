/**
 * What is done in Redis in one step. Keys of one stream lie in one slot of a cluster: `log` (a
 * Redis stream whose ids are offsets), `meta` (epoch, run, top, told), and one key a deduplication.
 *
 * `run` is the id of the server process that wrote the stream. After a restart, or on a replica
 * that was promoted, the newest appends may be missing while what is left looks whole: so another
 * run is another epoch, and whoever comes with a place of the former one is told to read anew.
 */

/** Sets epoch, top, told; forgets what another run of the server has left. */
const OPEN = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local held = redis.call('HMGET', meta, 'epoch', 'top', 'told', 'run')
local epoch = held[1]
local top = tonumber(held[2] or '0')
local told = tonumber(held[3] or '0')
if not epoch or held[4] ~= run then
  epoch = fresh
  top = 0
  told = 0
  redis.call('DEL', log, meta)
  redis.call('HSET', meta, 'epoch', epoch, 'run', run, 'top', '0', 'told', '0')
end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function whole(number) return string.format('%.0f', number) end
`;

/** KEYS: log, meta, seen… ARGV: fresh epoch, event, name, bus, entries, data, meta and seen ms. */
export const APPEND = `
local log, meta, fresh = KEYS[1], KEYS[2], ARGV[1]
for index = 3, #KEYS do
  local seen = redis.call('GET', KEYS[index])
  if seen then return {seen, 1} end
end
${OPEN}
local offset = math.max(now, top + 1, told + 1)
local at = whole(offset)
redis.call('XADD', log, 'MAXLEN', ARGV[5], at .. '-0', 'p', whole(top), 'e', ARGV[2])
redis.call('HSET', meta, 'top', at)
redis.call('PEXPIRE', log, ARGV[6])
redis.call('PEXPIRE', meta, ARGV[7])
local place = epoch .. ' ' .. at
for index = 3, #KEYS do redis.call('SET', KEYS[index], place, 'PX', ARGV[8]) end
redis.call('PUBLISH', ARGV[4], table.concat({ARGV[3], epoch, at, whole(top), ARGV[2]}, '\\n'))
return {place, 0}
`;

/** KEYS: log, meta. ARGV: fresh epoch, meta ms, epoch and offset of since or '', entries at most. */
export const READ = `
local log, meta, fresh = KEYS[1], KEYS[2], ARGV[1]
${OPEN}
local before = math.max(top, told)
told = math.max(now, before)
redis.call('HSET', meta, 'told', whole(told))
redis.call('PEXPIRE', meta, ARGV[2])
local function answer(how, entries) return {how, epoch, whole(told), whole(top), entries} end
if ARGV[3] == '' then return answer('whole', {}) end
local since = tonumber(ARGV[4])
if ARGV[3] ~= epoch or since > before then return answer('epoch_changed', {}) end
if since >= top then return answer('whole', {}) end
local most = tonumber(ARGV[5])
local entries = redis.call('XRANGE', log, '(' .. ARGV[4] .. '-0', '+', 'COUNT', most + 1)
if #entries == 0 or tonumber(entries[1][2][2]) > since then return answer('trimmed', {}) end
if #entries > most then return answer('too_many', {}) end
return answer('whole', entries)
`;

/** KEYS: log, meta. ARGV: fresh epoch, meta ms. */
export const TOP = `
local log, meta, fresh = KEYS[1], KEYS[2], ARGV[1]
${OPEN}
redis.call('PEXPIRE', meta, ARGV[2])
return {epoch, whole(top)}
`;

/** KEYS: log, meta. The next one to look finds another epoch. */
export const RENEW = `return redis.call('DEL', KEYS[1], KEYS[2])`;
