/**
 * Codes of OpenSSL and Node about the certificate that the destination shows
 * (nodejs.org/api/tls.html, "X509 certificate error codes").
 */
const theirCertificate = /^(CERT_|UNABLE_TO_(GET_CRL|DECRYPT_|DECODE_)|INVALID_CA)/;
/**
 * Alerts of TLS by which the destination refuses the certificate that it is shown, or that none is.
 */
const ourCertificate =
  /ALERT_(CERTIFICATE|BAD_CERTIFICATE|NO_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/;

/**
 * What is wrong with a certificate, and what a person is to do; `undefined` for an error that is
 * about none.
 */
export function certificateFault(code: string): string | undefined {
  if (/^(DEPTH_ZERO_)?SELF_SIGNED_|^UNABLE_TO_(GET_ISSUER|VERIFY)_/.test(code)) {
    return 'its certificate is signed by an authority that is not trusted here. Where it is your own, or that of a proxy on the way, name its file in NODE_EXTRA_CA_CERTS';
  }
  if (/ALTNAME|HOSTNAME_MISMATCH/.test(code)) return 'its certificate is for another host. Check the name in the URL';
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code)) {
    return 'its certificate is not valid now. Have it renewed, or set the clock of this machine';
  }
  if (theirCertificate.test(code)) {
    return 'its certificate is not trusted. Check its chain, and the proxy on the way';
  }
  if (ourCertificate.test(code)) return 'it refuses the client certificate, or wants one. Check clientCertificate';
  return undefined;
}
