module bartizan

go 1.25
