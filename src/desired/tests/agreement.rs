//! The parser, the walk and the schema say the same of the same text.
