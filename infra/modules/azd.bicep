// How a value that `azd env set` keeps as text is read in the parameters of both layers. A value that is
// set to nothing counts as not set: azd has no command that takes one back.

@export()
@description('A list: commas between, spaces around do not matter.')
func listOf(text string) string[] => filter(map(split(text, ','), one => trim(one)), one => !empty(one))

@export()
@description('A text, or its default.')
func textOr(text string, default string) string => empty(trim(text)) ? default : trim(text)
