-- All that the cluster's status is made of, as of one moment.
--
-- KEYS[1] nodes   KEYS[2] leases   KEYS[3] loads   KEYS[4] draining   KEYS[5] clients   KEYS[6] reserved   KEYS[7] debts
-- KEYS[8] noticed   KEYS[9] repair   KEYS[10] healed   KEYS[11] stale   KEYS[12] reconcile   KEYS[13] epoch   KEYS[14] rebuild: hash   KEYS[15] inventoried
-- KEYS[16] the duty of watching   KEYS[17] damaged: hash   KEYS[18] overdue: set   KEYS[19] unusual: set
--
-- Returns {{id, line...}, {id, end of lease...}, {id, load...}, {id...}, clients, reserved, debts,
-- {subject, state...}, {field, value...}, {id, condition...}, {id, epoch...}, {id, cursor...}, epoch, {field, value...},
-- {id, incarnation...}, {token, until} of the duty, {id, damaged records...}, overdue, unusual}

return {
  redis.call('HGETALL', KEYS[1]),
  redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'),
  redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'),
  redis.call('SMEMBERS', KEYS[4]),
  redis.call('SCARD', KEYS[5]),
  tonumber(redis.call('GET', KEYS[6]) or '0'),
  redis.call('ZCARD', KEYS[7]),
  redis.call('HGETALL', KEYS[8]),
  redis.call('HGETALL', KEYS[9]),
  redis.call('HGETALL', KEYS[10]),
  redis.call('HGETALL', KEYS[11]),
  redis.call('HGETALL', KEYS[12]),
  tonumber(redis.call('GET', KEYS[13]) or '0'),
  redis.call('HGETALL', KEYS[14]),
  redis.call('HGETALL', KEYS[15]),
  { redis.call('HGET', KEYS[16], 'token') or '0', redis.call('HGET', KEYS[16], 'until') or '0' },
  redis.call('HGETALL', KEYS[17]),
  redis.call('SCARD', KEYS[18]),
  redis.call('SCARD', KEYS[19]),
}
