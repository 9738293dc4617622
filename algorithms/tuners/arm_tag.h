/*
 * Whose trial is it? A portfolio (auto.c) has several tuners, its arms, propose trials of one
 * experiment. What it hangs on a trial begins with the arm's number; the arm's own tag follows. A
 * tuner that reads its tags back asks for them here and sees what it wrote, whoever ran it; it must
 * still know its own from others', which a fingerprint at their head does.
 *
 * On a trial: 7 bytes of magic, the number, the arm's tag.
 */
#ifndef ALGORITHMS_TUNERS_ARM_TAG_H
#define ALGORITHMS_TUNERS_ARM_TAG_H

#include "core/arena.h"
#include "core/limits.h"
#include "core/trial.h"

#define ARM_TAG_HEAD 8
#define ARM_TAG_ROOM (LIMIT_TAG - ARM_TAG_HEAD) /* of a tag that a portfolio may wrap */

/* The tag as the tuner that proposed the trial wrote it; empty for a trial of other origin. */
struct bytes arm_tag(const struct trial *trial);

/* The arm's number; -1: the trial was not proposed by a portfolio. */
int arm_of(const struct trial *trial);

/* tag with the arm's number before it. 0 or CODE_NO_MEMORY. */
int arm_tag_wrap(unsigned arm, struct bytes *tag, struct arena *arena);

#endif
