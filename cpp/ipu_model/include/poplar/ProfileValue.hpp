#pragma once
#include "OptionFlags.hpp"
#include <ostream>
#include <string>

namespace poplar {

/// A profile as SDK 1.x hands it over: here the text of the model's JSON report, not a tree of values.
class ProfileValue {
public:
  ProfileValue() = default;
  explicit ProfileValue(std::string json) : json_(std::move(json)) {}
  const std::string &json() const { return json_; }

private:
  std::string json_;
};

inline void serializeToJSON(std::ostream &out, const ProfileValue &profile, bool /*prettyPrint*/ = false) {
  out << profile.json();
}

/// The summaries of SDK 1.x, by two profiles; both are the same report here.
inline void printProfileSummary(std::ostream &out, const ProfileValue &graphProfile,
                                const ProfileValue & /*executionProfile*/, const OptionFlags & = {}) {
  out << graphProfile.json() << '\n';
}
inline void printGraphSummary(std::ostream &out, const ProfileValue &graphProfile, const OptionFlags & = {}) {
  out << graphProfile.json() << '\n';
}

} // namespace poplar
