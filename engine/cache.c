/*
 * Which views stay in memory. When more experiments are busy in turn than there is room for, plain
 * LRU drops each view just before its next use and every batch loads its view again. So a view
 * that comes in when the cache is full is on probation: an eighth of the room, first in, first out.
 * It is kept once it is used again after a pause, which shows that it was worth the room; a use
 * soon after another one (a result, then the next suggest) shows nothing (the "correlated reference
 * period" of O'Neil, O'Neil & Weikum, "The LRU-K page replacement algorithm", SIGMOD 1993). Views
 * that are kept stay while others pass through, so that with room for a quarter of what is busy
 * nearly a quarter of the uses find their view. What is kept but not used any more goes first.
 *
 * Time is counted in uses (those soon after another one left out), so the same uses always drop
 * the same views.
 */
#include "engine/internal.h"

#define PROBATION_PART 8 /* of the room */
#define STALE_ROUNDS   8 /* unused while the cache was used that often for each view in it */
#define PAUSE_PART     4 /* a use counts as a new one after that part of a round */

static void segment_remove(struct segment *segment, struct mailbox *mailbox)
{
	*(mailbox->newer ? &mailbox->newer->older : &segment->newest) = mailbox->older;
	*(mailbox->older ? &mailbox->older->newer : &segment->oldest) = mailbox->newer;
	mailbox->newer = mailbox->older = NULL;
	segment->bytes -= mailbox->bytes;
	segment->n--;
}

static void segment_add(struct segment *segment, struct mailbox *mailbox)
{
	mailbox->segment = segment;
	mailbox->older = segment->newest;
	*(segment->newest ? &segment->newest->newer : &segment->oldest) = mailbox;
	segment->newest = mailbox;
	segment->bytes += mailbox->bytes;
	segment->n++;
}

void cache_remove(struct mailbox *mailbox)
{
	if (!mailbox->segment)
		return;
	segment_remove(mailbox->segment, mailbox);
	mailbox->segment = NULL;
	mailbox->bytes = 0;
}

void cache_resize(struct mailbox *mailbox, size_t bytes)
{
	if (!mailbox->segment)
		return;
	mailbox->segment->bytes += bytes - mailbox->bytes;
	mailbox->bytes = bytes;
}

static size_t kept_max(const struct cache *cache)
{
	return cache->bytes_max - cache->bytes_max / PROBATION_PART;
}

/* The least recently used of those kept give way, on probation, to one that has proved itself. */
static void demote(struct cache *cache)
{
	while (cache->kept.n > 1 && cache->kept.bytes > kept_max(cache)) {
		struct mailbox *oldest = cache->kept.oldest;
		segment_remove(&cache->kept, oldest);
		segment_add(&cache->probation, oldest);
	}
}

void cache_touch(struct cache *cache, struct mailbox *mailbox, size_t bytes)
{
	struct segment *segment = mailbox->segment;
	uint64_t round = cache->kept.n + cache->probation.n;
	bool again = segment && cache->clock - mailbox->touched <= round / PAUSE_PART;
	bool keep = segment == &cache->kept || (segment && !again) ||
		    cache->kept.bytes + bytes <= kept_max(cache);

	cache->clock += !again;
	mailbox->touched = cache->clock;
	if (segment && !keep) {
		cache_resize(mailbox, bytes); /* first in, first out: it stays where it is */
		return;
	}
	cache_remove(mailbox);
	mailbox->bytes = bytes;
	segment_add(keep ? &cache->kept : &cache->probation, mailbox);
	demote(cache);
}

static struct mailbox *oldest_idle(const struct segment *segment)
{
	struct mailbox *mailbox = segment->oldest;
	while (mailbox && mailbox->running)
		mailbox = mailbox->newer;
	return mailbox;
}

struct mailbox *cache_victim(const struct cache *cache)
{
	uint64_t round = cache->kept.n + cache->probation.n;
	struct mailbox *kept = oldest_idle(&cache->kept);
	struct mailbox *probation = oldest_idle(&cache->probation);

	if (cache_bytes(cache) <= cache->bytes_max)
		return NULL;
	if (!kept || !probation)
		return kept ? kept : probation;
	if (cache->clock - kept->touched > STALE_ROUNDS * round)
		return kept;
	return probation;
}

void cache_trim(struct engine *engine)
{
	struct mailbox *mailbox;
	while ((mailbox = cache_victim(&engine->cache))) {
		cache_remove(mailbox);
		view_release(&mailbox->view);
		mailbox->loaded = false;
		learnt_discard(engine, mailbox);
		engine->evictions++;
		mailbox_release(engine, mailbox);
	}
}
