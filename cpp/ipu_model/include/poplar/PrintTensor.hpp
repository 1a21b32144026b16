#pragma once
#include <string>

namespace poplar {

/// How PrintTensor writes numbers: arrays above the threshold show only their edges.
struct PrintTensorFmt {
  enum class FloatFormat { Auto, Fixed, Scientific, None };
  unsigned summariseThreshold, edgeItems, maxLineWidth, digits;
  FloatFormat floatFormat;
  char separator, openBracket, closeBracket;

  PrintTensorFmt(unsigned summariseThreshold_ = 1000, unsigned edgeItems_ = 3, unsigned maxLineWidth_ = 75,
                 unsigned digits_ = 8, FloatFormat floatFormat_ = FloatFormat::Auto, char separator_ = ' ',
                 char openBracket_ = '[', char closeBracket_ = ']')
      : summariseThreshold(summariseThreshold_), edgeItems(edgeItems_), maxLineWidth(maxLineWidth_), digits(digits_),
        floatFormat(floatFormat_), separator(separator_), openBracket(openBracket_), closeBracket(closeBracket_) {}

  static PrintTensorFmt disableSummarisation() { return PrintTensorFmt(~0u); }
};

} // namespace poplar
