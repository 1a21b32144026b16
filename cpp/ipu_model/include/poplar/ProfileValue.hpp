#pragma once
#include "OptionFlags.hpp"
#include <ostream>
#include <string>

namespace poplar {

/// A profile as SDK 1.x hands it over: here the model's two reports, not a tree of values.
struct ProfileValue {
  std::string json, summary;
};

inline void serializeToJSON(std::ostream &out, const ProfileValue &profile, bool /*prettyPrint*/ = false) {
  out << profile.json;
}

/// The summaries of SDK 1.x, by two profiles; all are the same report here.
inline void printProfileSummary(std::ostream &out, const ProfileValue &graphProfile,
                                const ProfileValue & /*executionProfile*/, const OptionFlags & = {}) {
  out << graphProfile.summary;
}
inline void printGraphSummary(std::ostream &out, const ProfileValue &graphProfile, const OptionFlags & = {}) {
  out << graphProfile.summary;
}
inline void printExecutionSummary(std::ostream &out, const ProfileValue &graphProfile,
                                  const ProfileValue & /*executionProfile*/, const OptionFlags & = {}) {
  out << graphProfile.summary;
}

} // namespace poplar
