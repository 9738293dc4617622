#include "api/digest.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "api/api.h"
#include "api/auth.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void digest_raw(const void *data, size_t size, unsigned char out[DIGEST_SIZE])
{
	/* SHA-256 of memory fails only when OpenSSL was built without it. */
	int ok = EVP_Digest(data, size, out, NULL, EVP_sha256(), NULL);
	assert(ok == 1);
}

static void write_hex(const unsigned char raw[DIGEST_SIZE], char out[DIGEST_HEX_SIZE])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		out[2 * i] = "0123456789abcdef"[raw[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
	}
	out[DIGEST_HEX_SIZE - 1] = '\0';
}

void digest_hex(const void *data, size_t size, char out[65])
{
	unsigned char raw[DIGEST_SIZE];

	digest_raw(data, size, raw);
	write_hex(raw, out);
}

void digest_parts(const struct bytes *parts, size_t n, char out[DIGEST_HEX_SIZE])
{
	unsigned char raw[DIGEST_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL);

	for (size_t i = 0; ok && i < n; i++) {
		uint64_t size = parts[i].size;
		ok = EVP_DigestUpdate(md, &size, sizeof(size)) &&
		     EVP_DigestUpdate(md, parts[i].data, parts[i].size);
	}
	ok = ok && EVP_DigestFinal_ex(md, raw, NULL);
	EVP_MD_CTX_free(md);
	assert(ok);
	write_hex(raw, out);
}

void base64url_write(const void *data, size_t size, char *out)
{
	const unsigned char *in = data;
	size_t i = 0;

	for (; i + 2 < size; i += 3) {
		*out++ = alphabet[in[i] >> 2];
		*out++ = alphabet[(in[i] & 3) << 4 | in[i + 1] >> 4];
		*out++ = alphabet[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
		*out++ = alphabet[in[i + 2] & 63];
	}
	if (size - i >= 1) {
		unsigned next = size - i == 2 ? in[i + 1] : 0;
		*out++ = alphabet[in[i] >> 2];
		*out++ = alphabet[(in[i] & 3) << 4 | next >> 4];
		if (size - i == 2)
			*out++ = alphabet[(next & 15) << 2];
	}
	*out = '\0';
}

bool base64url_read(const char *text, size_t size, unsigned char *out, size_t *n)
{
	uint32_t bits = 0;
	unsigned held = 0;

	*n = 0;
	for (size_t i = 0; i < size; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
		if (!at)
			return false;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[(*n)++] = (unsigned char)(bits >> held);
			bits &= (1u << held) - 1;
		}
	}
	return held < 6 && bits == 0;
}

void secret_make(char *out)
{
	unsigned char raw[32];

	/* A server without random numbers must not hand out secrets, nor go on. */
	int ok = RAND_bytes(raw, sizeof(raw));
	assert(ok == 1);
	memcpy(out, "cairn_", 6);
	base64url_write(raw, sizeof(raw), out + 6);
	static_assert(6 + 43 < API_SECRET_SIZE, "a secret must fit");
}
