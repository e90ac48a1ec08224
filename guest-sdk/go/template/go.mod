module change-freeze

go 1.25

require bartizan v0.0.0

replace bartizan => ./sdk
