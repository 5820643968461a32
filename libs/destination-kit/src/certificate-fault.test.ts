import { expect, test } from 'vitest';
import { certificateFault } from './certificate-fault.ts';

test.each([
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'its certificate is signed by an authority that is not trusted here. Where it is your own, or that of a proxy on the way, name its file in NODE_EXTRA_CA_CERTS',
  ],
  [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'its certificate is signed by an authority that is not trusted here. Where it is your own, or that of a proxy on the way, name its file in NODE_EXTRA_CA_CERTS',
  ],
  [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'its certificate is signed by an authority that is not trusted here. Where it is your own, or that of a proxy on the way, name its file in NODE_EXTRA_CA_CERTS',
  ],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host. Check the name in the URL'],
  ['CERT_HAS_EXPIRED', 'its certificate is not valid now. Have it renewed, or set the clock of this machine'],
  ['CERT_REVOKED', 'its certificate is not trusted. Check its chain, and the proxy on the way'],
  [
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'it refuses the client certificate, or wants one. Check clientCertificate',
  ],
  ['ECONNRESET', undefined],
])('%s is said as what it is', (code, sentence) => {
  expect(certificateFault(code)).toBe(sentence);
});
