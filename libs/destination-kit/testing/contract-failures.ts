import assert from 'node:assert/strict';
import { assertMembers, at, type Case, define, deliver, directions, duringFault, fails } from './contract-checks.ts';

/** What a connector makes of a vendor that fails, case by case. */
export const failureCases = {
  'account-failure': define('holds every change while the vendor refuses the account', async (stage) => {
    const { vendor, accountErrors } = stage;
    assert(accountErrors.length > 0, 'the vendor documents errors of the account, and the suite is given their table');
    for (const documented of accountErrors) {
      assert(vendor.answerWithError !== undefined, 'the stand-in answers with what the table of errors has');
      for (const [index, kind] of directions.entries()) {
        const batch = stage.deliveries(kind, [1, 2], index + 1);
        vendor.answerWithError(documented.code);
        const { error } = await stage.attempt(batch);
        assert.equal(error?.class, documented.means, `${documented.code} is of the account, and no row is judged`);
        vendor.answerWithError(undefined);
        await deliver(stage, batch);
      }
    }
  }),
  'quota-nearly-used': define(
    'sends nothing more once the vendor says that the quota is nearly used up',
    async (stage) => {
      const { vendor } = stage;
      assert(vendor.sayQuotaIsNearlyUsed !== undefined, 'the vendor says in its answers how much of a quota is used');
      vendor.sayQuotaIsNearlyUsed(true);
      await stage.attempt(stage.deliveries('entered', [1]));
      const sent = vendor.requests.length;
      assert(sent > 0, 'the first answer is what says it');
      const startedAtMs = Date.now();
      const attempt = await stage.attempt(stage.deliveries('entered', [2]));
      fails('throttled', { doubt: undefined })(attempt);
      assert((attempt.error?.notBeforeMs ?? 0) > startedAtMs, 'it says when it is tried again');
      assert.equal(vendor.requests.length, sent, 'nothing more is sent');
      await assertMembers(stage, [], [2]);
    },
  ),
  'late-answer': define(
    'leaves a batch in doubt that the vendor answers later than the lease, and is right once the newest state is told',
    async (stage) => {
      const { vendor } = stage;
      for (const [index, late] of directions.entries()) {
        // For an exit there is a person to remove.
        if (late === 'exited') await deliver(stage, stage.deliveries('entered', [1, 2], 3));
        vendor.setFault({ kind: 'late' });
        const lease = new AbortController();
        const carriedOut = vendor.nextRequest();
        const attempt = stage.attempt(stage.deliveries(late, [1, 2], 3 * index + 1), lease.signal);
        await Promise.race([carriedOut, attempt]);
        lease.abort();
        fails('transient', { doubt: 'unanswered' })(await attempt);
        vendor.setFault(undefined);
        // The next process that has the lease tells what is true now.
        const newest = late === 'entered' ? 'exited' : 'entered';
        await deliver(stage, stage.deliveries(newest, [1, 2], 3 * index + 2));
        await assertMembers(stage, newest === 'entered' ? [1, 2] : [], newest === 'entered' ? [] : [1, 2]);
      }
    },
  ),
  'partial-answer': define('tries a row again about which the answer is silent', async (stage) => {
    const batch = stage.deliveries('entered', [1, 2, 3, 4, 5]);
    const silent = at(batch, 3);
    stage.vendor.omit(silent.identity.value);
    const { verdicts, error } = await stage.attempt(batch);
    assert.equal(error, undefined, 'a row without an answer does not fail the batch');
    for (const { change } of batch) {
      assert.equal(verdicts.get(change.id)?.status, change.id === silent.id ? 'retry' : 'delivered');
    }
  }),
  'malformed-answer': define('takes an answer that it cannot read for no success', async (stage) => {
    await duringFault(stage, { kind: 'malformed' }, ({ verdicts, error }) => {
      const statuses = [...verdicts.values()].map(({ status }) => status);
      assert(error !== undefined || statuses.every((status) => status === 'retry'), 'nothing is delivered or rejected');
    });
  }),
  'failed-look-up': define('reports a look-up that failed as transient and without doubt', async (stage) => {
    const { vendor } = stage;
    const batch = stage.deliveries('entered', [1, 2]);
    vendor.setReadFault({ kind: 'status', status: 500 });
    fails('transient', { doubt: undefined })(await stage.attempt(batch));
    await assertMembers(stage, [], [1, 2]);
    vendor.setReadFault({ kind: 'reset' });
    fails('transient', { doubt: undefined })(await stage.attempt(batch));
    vendor.setReadFault(undefined);
    await deliver(stage, batch);
  }),
  'refused-look-up': define(
    'reports a look-up that the vendor refuses as set-up, and rejects no row',
    async (stage) => {
      const batch = stage.deliveries('entered', [1, 2]);
      // Signs in, and remembers no list: so the look-up of the list is what is refused.
      await stage.probe();
      stage.vendor.setReadFault({ kind: 'status', status: 400 });
      fails('set-up', { doubt: undefined })(await stage.attempt(batch));
      stage.vendor.setReadFault(undefined);
      await deliver(stage, batch);
    },
  ),
  unauthorized: define('reports refused credentials as set-up', async (stage) => {
    await duringFault(stage, { kind: 'status', status: 401 }, fails('set-up', { doubt: undefined }));
  }),
  'refused-batch': define('reports a refused batch without repeating what the vendor echoes', async (stage) => {
    await duringFault(stage, { kind: 'status', status: 400 }, fails('invalid', { doubt: undefined }));
  }),
  redirect: define('follows no redirect', async (stage) => {
    const fault = { kind: 'status', status: 307, headers: { location: '/elsewhere' } } as const;
    await duringFault(stage, fault, fails('set-up', { doubt: undefined }));
  }),
  'throttled-for-seconds': define('waits as many seconds as a 429 says', async (stage) => {
    const fault = { kind: 'status', status: 429, headers: { 'retry-after': '120' } } as const;
    await duringFault(stage, fault, (attempt, startedAtMs) => {
      fails('throttled', { doubt: undefined })(attempt);
      const notBeforeMs = attempt.error?.notBeforeMs ?? 0;
      assert(notBeforeMs >= startedAtMs + 120_000 && notBeforeMs <= Date.now() + 120_000, 'not before 120 seconds');
    });
  }),
  'throttled-until-date': define('waits until the date that a 429 says', async (stage) => {
    const until = Math.ceil(Date.now() / 1000) * 1000 + 3_600_000;
    const headers = { 'retry-after': new Date(until).toUTCString() };
    await duringFault(stage, { kind: 'status', status: 429, headers }, (attempt) => {
      fails('throttled', { doubt: undefined })(attempt);
      assert.equal(attempt.error?.notBeforeMs, until);
    });
  }),
  'server-error': define('reports a failing vendor as transient and in doubt', async (stage) => {
    await duringFault(stage, { kind: 'status', status: 500 }, fails('transient', { doubt: 'answered' }));
  }),
  reset: define('reports a lost connection as transient and in doubt', async (stage) => {
    await duringFault(stage, { kind: 'reset' }, fails('transient', { doubt: 'unanswered' }));
  }),
  timeout: define(
    'gives up on a silent vendor and reports that as transient and in doubt',
    async (stage) => {
      await duringFault(stage, { kind: 'silent' }, fails('transient', { doubt: 'unanswered' }));
    },
    1_500,
  ),
  aborted: define('stops a call that is under way when it is told to', async (stage) => {
    stage.vendor.setFault({ kind: 'silent' });
    const stop = new AbortController();
    const arrived = stage.vendor.nextRequest();
    const attempt = stage.attempt(stage.deliveries('entered', [1]), stop.signal);
    await Promise.race([arrived, attempt]);
    const stoppedAtMs = Date.now();
    stop.abort();
    fails('transient', { doubt: 'unanswered' })(await attempt);
    assert(Date.now() - stoppedAtMs < 9_000, 'the call stops at once and not at its timeout');
  }),
  'aborted-before': define('calls nobody when it is told to stop before it begins', async (stage) => {
    const { error } = await stage.attempt(stage.deliveries('entered', [1]), AbortSignal.abort());
    assert.equal(error?.class, 'transient');
    assert.equal(error.doubt, undefined, 'what was not sent is certain');
    assert.equal(stage.vendor.requests.length, 0);
  }),
} satisfies Record<string, Case>;
