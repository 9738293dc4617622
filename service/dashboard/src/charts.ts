// The part of ECharts that the dashboard uses, in a file of its own that is loaded with the first chart.
import { BarChart, CustomChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import {
	DataZoomInsideComponent, GridComponent, LegendComponent, ParallelComponent,
	TooltipComponent, VisualMapContinuousComponent,
} from 'echarts/components';
import * as echarts from 'echarts/core';
import { CanvasRenderer, SVGRenderer } from 'echarts/renderers';

echarts.use([BarChart, CustomChart, LineChart, ParallelChart, ScatterChart, DataZoomInsideComponent, GridComponent,
	LegendComponent, ParallelComponent, TooltipComponent, VisualMapContinuousComponent, CanvasRenderer, SVGRenderer]);

export type Option = echarts.EChartsCoreOption;
export type Instance = ReturnType<typeof echarts.init>;

export const init = (element: HTMLElement): Instance => echarts.init(element, null, { renderer: 'canvas' });

/** The chart as the text of an SVG file. */
export function svg(option: Option, width: number, height: number): string {
	const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
	chart.setOption({ ...option, animation: false });
	const text = chart.renderToSVGString();
	chart.dispose();
	return text;
}
