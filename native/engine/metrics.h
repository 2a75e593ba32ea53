// Ranking and totals of a finished request, as the BASS paper defines them.
#pragma once

#include "engine/request.h"

namespace octet {

/// Fills in, from the raw counts and times already there: each sequence's rank, mean log-probability, first_token_ms and
/// ms_per_token; the totals' rates and sums. Rank 1 is the best: lanes with text before blank ones, however likely it
/// was to write nothing; then finished lanes first, then by mean log-probability, then by lane. ms per token of the first lane to
/// end, of the last, and the mean over all, of the lanes that wrote and were not cancelled; where every one was, there is no first
/// and no last, and the mean is over those that wrote.
void summarise(Result& result);

}  // namespace octet
