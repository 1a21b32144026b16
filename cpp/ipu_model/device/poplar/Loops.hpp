// The type of hardware loop counts.
#pragma once

using rptsize_t = unsigned;
